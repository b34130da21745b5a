/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is wrong with a configuration, all of it at once, each with its place.
 */
#ifndef HELPER_KMS_FAULT_H
#define HELPER_KMS_FAULT_H

#include <stdio.h>

#include "helper/kms/kms.h"
#include "helper/lib/problem.h"

#define KMS_FAULTS_MAX 64

/* @file: "" where there is no place; @warning: it works, and is no one's wish */
struct kms_fault {
	bool warning;
	char file[256];
	unsigned int line, column;
	char words[320];
};

/* @errors, @warnings: how many, also those that @list has no room for. */
struct kms_faults {
	struct kms_fault list[KMS_FAULTS_MAX];
	size_t num;
	size_t errors, warnings;
};

/* @place: NULL for none; its line is 0 where @words begin with one. */
__attribute__((format(printf, 3, 4)))
void kms_fault(struct kms_faults *faults, const struct kms_place *place,
	       const char *format, ...);

/* The same for what only deserves a warning. */
__attribute__((format(printf, 3, 4)))
void kms_doubt(struct kms_faults *faults, const struct kms_place *place,
	       const char *format, ...);

/* "FILE:LINE:COLUMN: ", with what there is of it, into @out. */
void kms_fault_where(const struct kms_fault *fault, char *out, size_t size);

/*
 * The first error as a problem's words, and how many more there are. Returns 0
 * if there is none.
 */
int kms_faults_problem(const struct kms_faults *faults, struct problem *problem);

/* A name of the list, ended by NULL, that @word was meant to be, or NULL. */
const char *kms_meant(const char *word, const char *const *names);

#endif
