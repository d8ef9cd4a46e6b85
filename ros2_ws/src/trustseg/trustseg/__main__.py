"""`python -m trustseg` is the command `trustseg`."""

from trustseg.cli.start import main

main()
