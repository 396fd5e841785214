"""Events for other systems. Here the outbox is filled; sending it is a later step."""
