"""Recordings of cameras: bags of every storage, videos and folders of images, by one reader."""
