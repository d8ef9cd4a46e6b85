"""Images as files and messages hold them: headers, orientation, decoding within bounds, and pictures of results."""
