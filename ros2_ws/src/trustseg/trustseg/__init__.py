"""Before anything else of the library, and so before any backend: nothing here reports to its maker."""

from trustseg.telemetry import opt_out

opt_out()
