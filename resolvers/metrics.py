"""What operators see of reads."""

from typing import Final

from integrations.telemetry.metrics import counter

SHARED_READS: Final = counter(
    "caregraph_shared_reads_total", "Reads that were answered by the run of another, which was waiting for the same."
)
