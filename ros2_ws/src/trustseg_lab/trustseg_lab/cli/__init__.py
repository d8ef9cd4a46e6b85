"""Commands of the laboratory; `trustseg` finds them by entry points."""
