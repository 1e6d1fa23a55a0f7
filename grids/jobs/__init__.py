"""What a job of the workflow does beside its result: log, record, fingerprint, checks."""
