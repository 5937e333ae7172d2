/* SPDX-License-Identifier: Apache-2.0
 *
 * pipeline.config texts: read, checked, written and read again; what was accepted must come back equal.
 */
#include "config/config.h"
#include "config/message.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    od_config *config = NULL, *again = NULL;
    od_problems problems = {0};
    if (od_config_read((const char *)data, size, "fuzz", &config, &problems, NULL) != OD_OK) abort();
    const od_config_check_options options = {.skip_files = 1};
    od_config_problems *found = NULL;
    if (od_config_check(config, &options, &found, NULL) != OD_OK) abort();
    od_config_problems_free(found);
    char *text = NULL;
    size_t length = 0;
    if (od_config_format(config, &text, &length, NULL) != OD_OK) abort();
    od_error err = {0};
    if (od_config_parse(text, length, "again", &again, &err) != OD_OK) abort();
    char *second = NULL;
    if (od_config_format(again, &second, NULL, NULL) != OD_OK || strcmp(text, second)) abort();
    od_config_text_free(text);
    od_config_text_free(second);
    od_config_free(again);
    od_config_free(config);
    od_problems_deinit(&problems);
    return 0;
}
