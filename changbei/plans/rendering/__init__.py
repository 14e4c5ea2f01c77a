"""The plan on paper: one document, written as HTML, Word and PDF; and the pocket handbook of a post."""
