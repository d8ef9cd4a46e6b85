"""What nodes share: parameters, quality of service, life of a process, checksums."""
