"""Files: site configuration, job folders, study files, kits, diagnosis bundles."""
