"""The page's views: Create, Gallery, picture, queue, system."""
