"""Things to be printed that belong to no one room: call lists and call trees."""
