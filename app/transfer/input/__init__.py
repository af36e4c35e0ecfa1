"""From files, folders, archives and standard input to JSON values, one at a time."""
