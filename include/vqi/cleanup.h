/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owning local variables free what they hold when they go out of scope. */
#ifndef VQI_CLEANUP_H
#define VQI_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Defines the adapter that vqi_cleanup(func) calls with the address of a variable of type. */
#define VQI_DEFINE_CLEANUP(type, func)                                                             \
	static inline void vqi_cleanup_call_##func(type *variable)                                 \
	{                                                                                          \
		if (*variable)                                                                     \
			func(*variable);                                                           \
	}

/* The same for a variable that is a structure, whose func takes its address and accepts zeroes. */
#define VQI_DEFINE_CLEANUP_VALUE(type, func)                                                       \
	static inline void vqi_cleanup_call_##func(type *variable)                                 \
	{                                                                                          \
		func(variable);                                                                    \
	}

/* Attribute of a local that owns what it points to: func(variable) runs at the end of its scope. */
#define vqi_cleanup(func) __attribute__((cleanup(vqi_cleanup_call_##func)))

/* Moves ownership out of a pointer variable: yields its value and leaves NULL behind. */
#define take_ptr(pointer)                                                                          \
	__extension__({                                                                            \
		__typeof__(pointer) take_ptr_value_ = (pointer);                                   \
		(pointer) = NULL;                                                                  \
		take_ptr_value_;                                                                   \
	})

static inline void vqi_cleanup_call_free(void *variable)
{
	free(*(void **)variable);
}

static inline void vqi_cleanup_call_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

VQI_DEFINE_CLEANUP(FILE *, fclose)
VQI_DEFINE_CLEANUP(DIR *, closedir)

#define vqi_cleanup_free vqi_cleanup(free)
#define vqi_cleanup_fd	 vqi_cleanup(close)
#define vqi_cleanup_file vqi_cleanup(fclose)
#define vqi_cleanup_dir	 vqi_cleanup(closedir)

/* Moves ownership out of a descriptor variable: yields its value and leaves -1 behind. */
static inline int take_fd(int *fd)
{
	int value = *fd;

	*fd = -1;
	return value;
}

#endif
