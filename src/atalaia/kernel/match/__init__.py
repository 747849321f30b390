"""When are two things the same."""
