"""The pages of the app; each has one function, `show`."""
