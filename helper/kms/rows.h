/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of a file, one a line: CSV whose first line names the columns (RFC 4180,
 * without line breaks in a value), or JSON, an object a line. An array of texts
 * counts as one value with blanks between them.
 */
#ifndef HELPER_KMS_ROWS_H
#define HELPER_KMS_ROWS_H

#include <stdio.h>

#include "helper/lib/problem.h"
#include "kmod/wire/wire.h"

#define KMS_COLUMNS_MAX 8
#define KMS_ROW_MAX 32768

/**
 * struct kms_rows - an open file
 * @columns: names, ended by NULL
 * @line: of the row that was read last, from 1
 * @values: its values by column; "" where there is none
 */
struct kms_rows {
	FILE *f;
	const char *path;
	const char *const *columns;
	bool json;
	size_t line;
	size_t at[KMS_COLUMNS_MAX];	/* in CSV: which value is which column */
	size_t num_given;
	const char *values[KMS_COLUMNS_MAX];
	char text[KMS_ROW_MAX];		/* the line */
	char cells[KMS_ROW_MAX];	/* its values */
	char buffer[KMS_ROW_MAX];	/* stdio's, so that it can be wiped */
};

/**
 * kms_rows_open() - open a file and read the names of its columns
 *
 * What begins with { is JSON. Return: 0 or a negative errno with words.
 */
int kms_rows_open(struct kms_rows *rows, const char *path,
		  const char *const *columns, struct problem *problem);

/* 1: a row; 0: there is none any more; else an errno, with words that tell the line. */
int kms_rows_next(struct kms_rows *rows, struct problem *problem);

/* From the first row on again. */
int kms_rows_again(struct kms_rows *rows, struct problem *problem);

/* Closes the file and wipes what was read. */
void kms_rows_close(struct kms_rows *rows);

/* Words behind "FILE:LINE: ". Returns @error. */
__attribute__((format(printf, 4, 5)))
int kms_rows_problem(const struct kms_rows *rows, struct problem *problem,
		     int error, const char *format, ...);

/* A value as CSV has it: in quotation marks where it must be. */
void kms_csv_value(FILE *f, struct mikey_blob b);

#endif
