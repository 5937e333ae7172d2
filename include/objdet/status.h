/* SPDX-License-Identifier: Apache-2.0
 *
 * Status codes and the error that explains them.
 *
 * Every function that can fail on its input returns an od_status; 0 (OD_OK) is success. Functions that
 * touch files, configs or user values also take an `od_error *err`, which may be NULL. On failure it
 * receives the status and a message that names the file, the line or byte offset, the offending value,
 * what was expected, and the fix. Results are written through out-pointers only on success.
 *
 *     od_error err = {0};
 *     if (od_config_load("pipeline.config", &config, &err) != OD_OK) fprintf(stderr, "%s\n", err.message);
 */
#ifndef OBJDET_STATUS_H
#define OBJDET_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/* name, text */
#define OD_STATUS_LIST(X) \
    X(OD_OK, "ok") \
    X(OD_ERR_ARG, "invalid argument") \
    X(OD_ERR_NOMEM, "out of memory") \
    X(OD_ERR_IO, "input/output error") \
    X(OD_ERR_NOT_FOUND, "not found") \
    X(OD_ERR_FORMAT, "malformed data") \
    X(OD_ERR_CONFIG, "invalid config") \
    X(OD_ERR_UNSUPPORTED, "not supported") \
    X(OD_ERR_MISMATCH, "shapes or names disagree") \
    X(OD_ERR_NAN, "not a finite number") \
    X(OD_ERR_INTERRUPTED, "interrupted") \
    X(OD_ERR_INTERNAL, "internal error (please report)")

typedef enum od_status {
#define X(name, text) name,
    OD_STATUS_LIST(X)
#undef X
    OD_STATUS_COUNT
} od_status;

/* The longest message kept; longer ones end in "...". */
#define OD_ERROR_MESSAGE_SIZE 2048

typedef struct od_error {
    od_status status;
    char message[OD_ERROR_MESSAGE_SIZE];
} od_error;

/* A constant, human-readable text for a status; never NULL. */
const char *od_status_text(od_status status);

#ifdef __cplusplus
}
#endif
#endif
