"""What happened, as arrays: events, series, and memories of past events."""
