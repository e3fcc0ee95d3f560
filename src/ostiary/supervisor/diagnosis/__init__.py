"""What `ostiary doctor` looks at: each check finds out one thing for real and says how to mend it."""
