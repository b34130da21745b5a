/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The release that the programs tell with --version. */
#ifndef HELPER_LIB_VERSION_H
#define HELPER_LIB_VERSION_H

#define MIKEY_RELEASE "0.1.0"

#endif
