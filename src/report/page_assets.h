/* SPDX-License-Identifier: Apache-2.0
 *
 * The page's style sheet and script: page.css and page.js, made into C by the build.
 */
#ifndef OD_REPORT_PAGE_ASSETS_H
#define OD_REPORT_PAGE_ASSETS_H

extern const char od_page_css[], od_page_js[];

#endif
