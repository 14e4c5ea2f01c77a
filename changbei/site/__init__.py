"""Settings, urls, the table fact -> reaction, the command line."""
