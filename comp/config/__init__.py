"""The configuration of a run: its keys, how layers of it merge, and where a value comes from."""
