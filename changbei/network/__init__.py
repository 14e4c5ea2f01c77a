"""Retailers and licences, lines, sites, vehicles, products, manufacturers, stock; imports from Excel and
CSV.
"""
