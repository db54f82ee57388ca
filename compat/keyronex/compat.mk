$(eval $(call facade,keyronex))
