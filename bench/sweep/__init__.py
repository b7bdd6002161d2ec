"""``kill -9`` many times, at random points of many broadcasts: nobody lost, every repeat known. See bench/README.md."""
