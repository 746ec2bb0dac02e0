"""What wakes an agent with nobody there. A trigger has a `name` and a `listen(post)` that never ends by itself."""
