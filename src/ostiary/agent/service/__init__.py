"""The agent as a service: of systemd, of launchd on macOS, or a task of Windows. What is said to each is built in a module of its own."""
