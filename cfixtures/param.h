/*
 * A fixture's parameters: NAME=VALUE on its command line. The linker gathers what all calls of
 * param declare in one section, so that fixture_open can refuse every other argument before the
 * program does anything.
 */
#ifndef TIDCHECK_PARAM_H
#define TIDCHECK_PARAM_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct parameter {
	const char *name, *otherwise;
};

/* The section's bounds, which the linker defines. They are null if there is no parameter. */
extern struct parameter __start_parameters[] __attribute__((weak));
extern struct parameter __stop_parameters[] __attribute__((weak));

/*
 * The value that the command line has for a parameter, else the default. It is a time in
 * nanoseconds if the default is a time ("10s"), and a number otherwise.
 */
#define param(name, otherwise) \
	({ \
		static struct parameter declared \
			__attribute__((section("parameters"), used)) = {name, otherwise}; \
		parameter_value(&declared); \
	})

/* What follows "NAME=" in an argument, NULL if the argument is not this parameter's. */
static inline const char *value_of(const struct parameter *p, const char *argument)
{
	size_t length = strlen(p->name);
	if (strncmp(argument, p->name, length) || argument[length] != '=')
		return NULL;
	return argument + length + 1;
}

static inline long long parameter_value(const struct parameter *p)
{
	static const long long hour = 3600000000000;
	static const struct {
		const char *name;
		long long nanoseconds;
	} units[] = {{"s", 1000000000}, {"ms", 1000000}, {"us", 1000}};
	const char *value = p->otherwise;
	for (char **argument = arguments; *argument; argument++)
		if (value_of(p, *argument))
			value = value_of(p, *argument);
	char *unit;
	long long n = strtoll(value, &unit, 10);
	int timed = p->otherwise[strlen(p->otherwise) - 1] == 's';
	if (!timed && unit > value && !*unit && n >= 1 && n <= 1000000)
		return n;
	if (timed && !strcmp(value, "0"))
		return 0;
	for (int i = 0; timed && i < 3; i++)
		if (unit > value && !strcmp(unit, units[i].name) && n >= 0 &&
		    n <= hour / units[i].nanoseconds)
			return n * units[i].nanoseconds;
	fprintf(stderr, "%s=%s: not a %s\n", p->name, value,
		timed ? "time from 0 to an hour, such as 10s or 1ms" : "number from 1 to 1000000");
	_exit(99);
}

/* Ends the program with status 99 if an argument is no parameter of its own, or has a bad value. */
static inline void check_arguments(void)
{
	for (char **argument = arguments; *argument; argument++) {
		const struct parameter *p = __start_parameters, *end = __stop_parameters;
		while (p < end && !value_of(p, *argument))
			p++;
		if (p < end) {
			parameter_value(p);
			continue;
		}
		fprintf(stderr, "%s: no parameter of this program, which has", *argument);
		for (p = __start_parameters; p < end; p++)
			fprintf(stderr, " %s=%s", p->name, p->otherwise);
		fprintf(stderr, "%s\n", p == __start_parameters ? " none" : "");
		_exit(99);
	}
}

#endif
