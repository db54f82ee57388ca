$(eval $(call facade,kora))
