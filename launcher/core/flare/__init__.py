"""FLARE's file formats, as pure functions: job meta, study files, deployment kits."""
