"""The outside: one room per library. An edge translates, retries transport and maps errors; it never decides."""
