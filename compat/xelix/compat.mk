$(eval $(call facade,xelix))
