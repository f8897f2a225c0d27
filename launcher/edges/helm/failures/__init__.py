"""Helm's error messages: rows by subject, the table of all rows, and the error made from a row."""
