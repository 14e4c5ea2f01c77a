"""Goods for customers beside the regular order: emergency supply requests and replenishment."""
