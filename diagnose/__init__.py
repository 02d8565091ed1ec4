"""Is my model well set up? This room is kept for the audit of users' models; nothing lives here yet."""
