"""Messages, recipients, attempts, acknowledgements, call lists, channels."""
