"""Care for customers: visits to their shops, what they find, and spot checks of them."""
