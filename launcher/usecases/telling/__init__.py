"""Who else learns of a job: log, metrics, Events, the note in Helm's record. No job waits for them."""
