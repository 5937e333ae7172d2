# SPDX-License-Identifier: Apache-2.0
# Short names for the usual commands; CMake does the work. BUILD=dir, JOBS=n and CC=compiler may be set.
BUILD ?= build
JOBS ?= $(shell nproc)
CC ?= cc
CMAKE_FLAGS ?=

.PHONY: all deps configure test asan fuzz demo bench fmt clean install

all: configure
	@cmake --build $(BUILD) -j$(JOBS)

deps:
	@tools/install_deps.sh

configure: deps
	@cmake -S . -B $(BUILD) -DCMAKE_C_COMPILER=$(CC) $(CMAKE_FLAGS) > $(BUILD).log 2>&1 || (cat $(BUILD).log; exit 1)
	@mkdir -p $(BUILD) && mv $(BUILD).log $(BUILD)/configure.log

test: all
	@tools/install_deps.sh tests
	@cd $(BUILD) && ctest --output-on-failure -j$(JOBS)

# A synthetic data set, a training from scratch, its evaluation and pictures: in demo/.
demo: all
	@tools/demo.sh $(BUILD)/objdet

# Micro-benchmarks of the kernels, then training and inference of one config (CONFIG=pipeline.config);
# beside ONNX Runtime, OpenVINO, PyTorch and OpenCV with OD_PEERS=venv, beside TensorFlow's training and input with OD_ORACLE=venv.
bench: all
	@$(BUILD)/bench_kernels
	@$(if $(CONFIG),$(BUILD)/objdet bench train --pipeline_config_path=$(CONFIG) && $(BUILD)/objdet bench infer --pipeline_config_path=$(CONFIG),echo "CONFIG=pipeline.config also times a network")
	@$(if $(OD_PEERS),bench/compare_inference.sh $(BUILD)/objdet && bench/compare_training.sh $(BUILD)/objdet && bench/compare_input.sh $(BUILD)/bench_loader,echo "OD_PEERS=venv also compares with other frameworks")

asan:
	@$(MAKE) test BUILD=build-asan CMAKE_FLAGS="-DOD_SANITIZE=ON"

fuzz:
	@$(MAKE) all BUILD=build-fuzz CC=clang CMAKE_FLAGS="-DOD_FUZZ=ON -DOD_SANITIZE=ON"

fmt:
	@git ls-files '*.c' '*.h' | xargs clang-format -i

clean:
	@rm -rf build build-asan build-fuzz demo
