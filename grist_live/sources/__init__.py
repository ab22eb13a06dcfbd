"""Sources: the ways in that we run ourselves. The webhook is a door of the web process."""
