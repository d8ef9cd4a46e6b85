"""Files of ours: confined paths, files with a known owner, results that are whole or not there."""
