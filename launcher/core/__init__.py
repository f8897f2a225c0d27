"""Pure decisions: strings and dicts in, frozen values out. No clock, no files, no network, no threads."""
