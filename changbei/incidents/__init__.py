"""Report, recognise duplicates, classify, activate, command post, warnings, suspend and resume service, close."""
