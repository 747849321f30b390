"""How people hear of it: events, channels, deliveries."""
