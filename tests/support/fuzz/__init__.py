"""Structured nonsense for every door, seeded: cases, tables, overlays, panels, addresses of the app, command lines."""
