"""The commands: a file each, with the function that has its name."""
