$(eval $(call facade,andromeda))
