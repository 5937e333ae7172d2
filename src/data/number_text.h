/* SPDX-License-Identifier: Apache-2.0
 *
 * Coordinates as the shortest texts from which a reader gets the same floats back.
 */
#ifndef OD_DATA_NUMBER_TEXT_H
#define OD_DATA_NUMBER_TEXT_H

enum { OD_NUMBER_TEXT = 32 };

/* value * scale, read as (float)(text / scale). */
void od_text_scaled(char out[OD_NUMBER_TEXT], float value, double scale) __attribute__((nonnull));
/* low and length, read as (float)(low / scale) and (float)((low + length) / scale). */
void od_text_span(char low_text[OD_NUMBER_TEXT], char length_text[OD_NUMBER_TEXT], float low, float high, double scale) __attribute__((nonnull));
/* centre and length in parts of the image, read as (float)(centre - length / 2) and (float)(centre + length / 2). */
void od_text_centre(char centre_text[OD_NUMBER_TEXT], char length_text[OD_NUMBER_TEXT], float low, float high) __attribute__((nonnull));

#endif
