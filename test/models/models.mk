# models.mk - the models of the protocol, checked by Spin.

.PHONY: models
models: ## check the models of the protocol, half an hour; MODEL=fault|anon|object|pagein|move|flush|live|quick|long
	@sh test/models/run.sh $(MODEL)
