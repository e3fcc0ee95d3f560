"""The use cases of the room, a topic a module."""
