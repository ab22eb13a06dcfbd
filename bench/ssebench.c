/* ssebench: a load generator for server-sent events. One thread, one epoll.   cc -O2 -o ssebench ssebench.c
 *
 * 1. Opens N event streams ("viewers") and waits for their response headers.
 * 2. Posts a body again and again. Each @@MARK@@ in it becomes a mark: a time stamp and a sequence number.
 * 3. Looks for the mark in what every viewer receives (the first one of each line: an event may carry the old value,
 *    too). So it knows the latency of each delivery, and which ones were lost or came twice.
 * 4. Prints one line of JSON.
 *
 * How it posts: --window W (at most W messages that not all viewers have yet: a closed loop), --rate R (per second,
 * stamped with the time at which each was due, so that a stall counts in full), or --flood (each of --conns
 * connections posts as soon as it is answered). Without one of these it only connects: see --idle and --replay.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TOKEN "@@MARK@@"
#define MARK 30 /* "@@T", 16 hex digits of time, ":", 8 of sequence, "@@" */
#define MAX_CONNS 64
#define MAX_PIDS 64

enum state { NONE, CONNECTING, ASKED, OPEN, CLOSED };

struct viewer {
  int fd;
  uint8_t state;
  uint8_t header_end; /* how much of "\r\n\r\n" has come */
  uint8_t kept;       /* bytes in `keep`: the start of a mark that was cut by the end of a read */
  bool rest_of_line;  /* a mark was found in this line */
  char keep[MARK];
  uint32_t last, got;
  uint64_t last_at;
};

struct poster {
  int fd;
  bool busy, counts; /* warm-up posts don't count */
  uint64_t sent_at;
  int have;
  char answer[16384];
};

struct histogram { uint64_t bucket[64 * 64]; uint64_t count, max; };

/* ------------------------------------------------------------------------------------------------------- options */
static int port, viewers_wanted = 100, at_once = 100, conns = 1, window_size, replay;
static bool flood, prime;
static double rate, seconds = 5, idle, drain = 10, settle = 0.5, patience = 60;
static const char *path = "/stream", *post_path = "/publish", *last_id;
static char headers[4096], post_headers[4096], *body;
static int pids[MAX_PIDS], pid_count, other_pids[MAX_PIDS], other_count;

/* --------------------------------------------------------------------------------------------------------- state */
static int epoll_fd;
static struct viewer *viewers;
static struct poster posters[MAX_CONNS];
static char space[MARK + 262144], *const data = space + MARK; /* room before the data for what was kept */
static int asked, open_now, refused, closed;
static bool measuring;
static uint32_t sequence;
static uint64_t deliveries, doubled, bytes, answers, errors, last_delivery, longest_gap;
static struct histogram latency, answer_time;
static struct sockaddr_in server;

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void fail(const char *what) {
  perror(what);
  exit(2);
}

/* A histogram with 64 buckets per power of two: at most 1.6 % off. */
static void record(struct histogram *h, uint64_t v) {
  int e = v < 64 ? 0 : 63 - __builtin_clzll(v);
  h->bucket[v < 64 ? v : (uint64_t)(e - 5) * 64 + ((v >> (e - 6)) & 63)]++;
  h->count++;
  if (v > h->max) h->max = v;
}

static double quantile_ms(const struct histogram *h, double q) {
  uint64_t wanted = q * h->count, sum = 0;
  for (int i = 0; i < 64 * 64; i++)
    if ((sum += h->bucket[i]) > wanted) return (i < 64 ? (uint64_t)i : (uint64_t)(64 + (i & 63)) << (i / 64 - 1)) / 1e6;
  return h->max / 1e6;
}

/* ------------------------------------------------------------------------------------- what the processes consume */

/* CPU seconds of all threads of some processes, to the nanosecond. */
static double cpu_of(const int *list, int count) {
  double total = 0;
  for (int i = 0; i < count; i++) {
    char name[300];
    snprintf(name, sizeof name, "/proc/%d/task", list[i]);
    DIR *folder = opendir(name);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
      unsigned long long ns = 0;
      snprintf(name, sizeof name, "/proc/%d/task/%.20s/schedstat", list[i], entry->d_name);
      FILE *file = entry->d_name[0] == '.' ? NULL : fopen(name, "r");
      if (!file) continue;
      if (fscanf(file, "%llu", &ns) == 1) total += ns / 1e9;
      fclose(file);
    }
    if (folder) closedir(folder);
  }
  return total;
}

/* Resident memory (kB) of some processes. */
static double memory_of(const int *list, int count) {
  double total = 0;
  for (int i = 0; i < count; i++) {
    char name[64];
    long pages, resident;
    snprintf(name, sizeof name, "/proc/%d/statm", list[i]);
    FILE *file = fopen(name, "r");
    if (!file) continue;
    if (fscanf(file, "%ld %ld", &pages, &resident) == 2) total += resident * (sysconf(_SC_PAGESIZE) / 1024.0);
    fclose(file);
  }
  return total;
}

/* ------------------------------------------------------------------------------------------------------- viewers */

static uint64_t hex(const char *p, int digits) {
  uint64_t v = 0;
  for (int i = 0; i < digits; i++) v = v * 16 + (p[i] <= '9' ? p[i] - '0' : p[i] - 'a' + 10);
  return v;
}

static void found(struct viewer *v, const char *mark, uint64_t t) {
  uint64_t sent = hex(mark + 3, 16), number = hex(mark + 20, 8);
  if (!measuring) {
    v->got++;
    return;
  }
  if (!number) return; /* warm-up */
  if (number <= v->last) {
    doubled++;
    return;
  }
  v->last = number;
  v->got++;
  deliveries++;
  if (v->last_at && t - v->last_at > longest_gap) longest_gap = t - v->last_at;
  v->last_at = last_delivery = t;
  record(&latency, t > sent ? t - sent : 0);
}

static void scan(struct viewer *v, char *p, char *end, uint64_t t) {
  p -= v->kept;
  memcpy(p, v->keep, v->kept);
  v->kept = 0;
  while (p < end) {
    if (v->rest_of_line) {
      char *line = memchr(p, '\n', end - p);
      if (!line) return;
      p = line + 1;
      v->rest_of_line = false;
    }
    char *mark = memmem(p, end - p, "@@T", 3);
    if (mark && end - mark >= MARK) {
      found(v, mark, t);
      p = mark + MARK;
      v->rest_of_line = true;
      continue;
    }
    if (!mark) mark = end - p < 2 ? p : end - 2;
    v->kept = end - mark;
    memcpy(v->keep, mark, v->kept);
    return;
  }
}

static void leave(struct viewer *v) {
  if (v->state == OPEN) open_now--, closed++;
  else refused++;
  if (v->state == CONNECTING || (v->state == ASKED && !prime)) asked--;
  v->state = CLOSED;
  close(v->fd);
}

static void come(struct viewer *v) {
  int one = 1;
  memset(v, 0, sizeof *v);
  v->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (v->fd < 0) fail("socket (raise the limit of open files: ulimit -n)");
  setsockopt(v->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  v->state = CONNECTING;
  asked++;
  if (connect(v->fd, (void *)&server, sizeof server) && errno != EINPROGRESS) {
    leave(v);
    return;
  }
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, v->fd, &(struct epoll_event){.events = EPOLLIN | EPOLLOUT, .data.ptr = v});
}

static void ask(struct viewer *v) {
  char request[9000];
  int n = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept: text/event-stream\r\n%s%s%s%s\r\n",
                   path, port, last_id ? "Last-Event-ID: " : "", last_id ? last_id : "", last_id ? "\r\n" : "", headers);
  if (send(v->fd, request, n, MSG_NOSIGNAL) != n) {
    leave(v);
    return;
  }
  v->state = ASKED;
  if (prime) asked--; /* the headers come with the first event only */
  epoll_ctl(epoll_fd, EPOLL_CTL_MOD, v->fd, &(struct epoll_event){.events = EPOLLIN, .data.ptr = v});
}

static void viewer_ready(struct viewer *v, uint32_t events) {
  if (v->state == CONNECTING && events & EPOLLOUT) ask(v);
  if (v->state == CLOSED || !(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
  ssize_t n = recv(v->fd, data, sizeof space - MARK, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    leave(v);
    return;
  }
  uint64_t t = now();
  char *p = data, *end = data + n;
  if (v->state == ASKED) {
    if (!v->header_end && (n < 12 || memcmp(p + 8, " 200", 4))) {
      if (!refused) fprintf(stderr, "a viewer was answered: %.60s\n", p);
      leave(v);
      return;
    }
    for (; p < end && v->header_end < 4; p++) v->header_end = *p == "\r\n\r\n"[v->header_end] ? v->header_end + 1 : 0;
    if (v->header_end < 4) return;
    v->state = OPEN;
    open_now++;
    if (!prime) asked--;
  }
  bytes += end - p;
  scan(v, p, end, t);
}

/* ------------------------------------------------------------------------------------------------------- posting */
static char *request;
static int request_size, mark_at[4096], mark_count;

static void prepare(void) {
  if (!body) body = "[{\"id\":1,\"text\":\"" TOKEN "\"}]";
  int size = 0;
  for (const char *p = body, *t; *p; p = t + strlen(TOKEN)) {
    if (!(t = strstr(p, TOKEN))) break;
    if (++mark_count == 4096) break;
  }
  size = strlen(body) + mark_count * (MARK - (int)strlen(TOKEN));
  request = malloc(size + 9000);
  request_size = sprintf(request, "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n",
                         post_path, port, post_headers, size);
  const char *p = body;
  for (int i = 0; i < mark_count; i++) {
    const char *t = strstr(p, TOKEN);
    memcpy(request + request_size, p, t - p);
    mark_at[i] = request_size += t - p;
    request_size += MARK;
    p = t + strlen(TOKEN);
  }
  strcpy(request + request_size, p);
  request_size += strlen(p);
}

static void dial(struct poster *w) {
  int one = 1;
  w->fd = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (connect(w->fd, (void *)&server, sizeof server)) fail("connect");
  fcntl(w->fd, F_SETFL, O_NONBLOCK);
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, w->fd, &(struct epoll_event){.events = EPOLLIN, .data.ptr = w});
  w->have = 0;
}

/* Post once. `number` 0 doesn't count; `due` is the time that the marks carry. */
static void post(struct poster *w, uint32_t number, uint64_t due) {
  char mark[MARK + 1];
  snprintf(mark, sizeof mark, "@@T%016llx:%08x@@", (unsigned long long)due, number);
  for (int i = 0; i < mark_count; i++) memcpy(request + mark_at[i], mark, MARK);
  if (w->fd < 0) dial(w);
  w->busy = true;
  w->counts = number != 0;
  w->sent_at = due;
  for (int sent = 0; sent < request_size;) {
    ssize_t n = send(w->fd, request + sent, request_size - sent, MSG_NOSIGNAL);
    if (n > 0) {
      sent += n;
    } else if (errno == EAGAIN) {
      poll(&(struct pollfd){.fd = w->fd, .events = POLLOUT}, 1, 1000);
    } else { /* the server closed a connection that was idle */
      close(w->fd);
      dial(w);
      sent = 0;
    }
  }
}

static void poster_ready(struct poster *w) {
  ssize_t n = recv(w->fd, w->answer + w->have, sizeof w->answer - 1 - w->have, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    if (w->busy) errors++;
    w->busy = false;
    close(w->fd);
    w->fd = -1;
    return;
  }
  w->have += n;
  w->answer[w->have] = 0;
  char *end = strstr(w->answer, "\r\n\r\n");
  if (!end) return;
  int code = atoi(w->answer + 9), size = end + 4 - w->answer;
  char *length = strcasestr(w->answer, "\r\ncontent-length:"), *chunked = strcasestr(w->answer, "transfer-encoding: chunked");
  if (chunked && chunked < end) {
    if (!memmem(end, w->answer + w->have - end, "\r\n0\r\n\r\n", 7)) return;
  } else if (length && length < end && w->have < size + atoi(length + 17)) {
    return;
  }
  if (code < 200 || code > 299) {
    if (!errors++) fprintf(stderr, "a post was answered: %.300s\n", w->answer);
  } else if (w->counts) {
    answers++;
    record(&answer_time, now() - w->sent_at);
  }
  w->busy = false;
  w->have = 0;
  if (strcasestr(w->answer, "connection: close")) {
    close(w->fd);
    w->fd = -1;
  }
}

/* -------------------------------------------------------------------------------------------------------- phases */

static void turn(int ms) {
  static struct epoll_event events[4096];
  int n = epoll_wait(epoll_fd, events, 4096, ms);
  for (int i = 0; i < n; i++) {
    void *who = events[i].data.ptr;
    if ((char *)who >= (char *)posters && (char *)who < (char *)(posters + MAX_CONNS)) poster_ready(who);
    else if (((struct viewer *)who)->state != CLOSED) viewer_ready(who, events[i].events);
  }
}

static void run_for(double s) {
  for (uint64_t end = now() + s * 1e9; now() < end;) turn(5);
}

static void wait_posters(double s) {
  for (uint64_t end = now() + s * 1e9; now() < end; turn(1)) {
    bool busy = false;
    for (int i = 0; i < conns; i++) busy |= posters[i].busy;
    if (!busy) return;
  }
}

static void connect_all(void) {
  uint64_t end = now() + patience * 1e9;
  for (int next = 0; now() < end; turn(next < viewers_wanted ? 0 : 5)) {
    while (next < viewers_wanted && asked < at_once) come(&viewers[next++]);
    if (next == viewers_wanted && asked == 0) break;
  }
  if (!prime) return;
  for (run_for(1); open_now < viewers_wanted - refused && now() < end; run_for(0.3)) {
    post(&posters[0], 0, now());
    wait_posters(5);
  }
}

/* Wait until every viewer has received so many marks. */
static double wait_replay(uint64_t start) {
  for (uint64_t end = start + patience * 1e9; now() < end; turn(5)) {
    bool all = true;
    for (int i = 0; i < viewers_wanted && all; i++) all = viewers[i].state == CLOSED || (int)viewers[i].got >= replay;
    if (all) break;
  }
  return (now() - start) / 1e9;
}

static bool wants_post(uint64_t t, uint64_t *due, int receivers) {
  if (rate > 0) return t >= *due;
  if (window_size) return (uint64_t)sequence * receivers < deliveries + (uint64_t)window_size * receivers;
  return true;
}

static void measure(int receivers) {
  uint64_t start = now(), end = start + seconds * 1e9, due = start;
  measuring = true;
  for (uint64_t t; (t = now()) < end;) {
    for (int i = 0; i < conns; i++) {
      if (posters[i].busy || !wants_post(t, &due, receivers)) continue;
      post(&posters[i], ++sequence, rate > 0 ? due : now());
      if (rate > 0) due += 1e9 / rate;
    }
    int64_t until = rate > 0 ? (int64_t)(due - now()) / 1000000 : 5;
    turn(until < 0 ? 0 : until > 5 ? 5 : until ? until : 1);
  }
  wait_posters(drain);
  for (uint64_t last = deliveries, stop = now() + drain * 1e9; deliveries < (uint64_t)sequence * receivers && now() < stop; turn(5))
    if (deliveries != last) last = deliveries, stop = now() + drain * 1e9;
}

static void read_pids(const char *text, int *list, int *count) {
  for (char *end; *text && *count < MAX_PIDS; text = *end ? end + 1 : end) list[(*count)++] = strtol(text, &end, 10);
}

static char *read_file(const char *name) {
  FILE *file = fopen(name, "r");
  char *text = calloc(1, 1 << 22);
  if (!file || fread(text, 1, (1 << 22) - 1, file) == 0) fail(name);
  fclose(file);
  return text;
}

static void read_options(int count, char **given) {
  for (int i = 1; i < count; i++) {
    const char *name = given[i];
    if (!strcmp(name, "--flood")) {
      flood = true;
      continue;
    }
    if (!strcmp(name, "--prime")) { /* for servers that send no headers before the first event */
      prime = true;
      continue;
    }
    const char *value = i + 1 < count ? given[++i] : "";
    if (!strcmp(name, "--port")) port = atoi(value);
    else if (!strcmp(name, "--path")) path = value;
    else if (!strcmp(name, "--viewers")) viewers_wanted = atoi(value);
    else if (!strcmp(name, "--at-once")) at_once = atoi(value); /* viewers that wait for an answer */
    else if (!strcmp(name, "--last-event-id")) last_id = value;
    else if (!strcmp(name, "--header")) strcat(strcat(headers, value), "\r\n");
    else if (!strcmp(name, "--post-path")) post_path = value;
    else if (!strcmp(name, "--post-header")) strcat(strcat(post_headers, value), "\r\n");
    else if (!strcmp(name, "--body")) body = strdup(value);
    else if (!strcmp(name, "--body-file")) body = read_file(value);
    else if (!strcmp(name, "--conns")) conns = atoi(value) < MAX_CONNS ? atoi(value) : MAX_CONNS;
    else if (!strcmp(name, "--window")) window_size = atoi(value);
    else if (!strcmp(name, "--rate")) rate = atof(value);
    else if (!strcmp(name, "--seconds")) seconds = atof(value);
    else if (!strcmp(name, "--drain")) drain = atof(value); /* seconds to wait for what is still missing */
    else if (!strcmp(name, "--settle")) settle = atof(value); /* seconds between connecting and the rest */
    else if (!strcmp(name, "--idle")) idle = atof(value); /* seconds to stay connected, measured */
    else if (!strcmp(name, "--replay")) replay = atoi(value); /* marks that every viewer must get by itself */
    else if (!strcmp(name, "--patience")) patience = atof(value);
    else if (!strcmp(name, "--pids")) read_pids(value, pids, &pid_count);
    else if (!strcmp(name, "--other-pids")) read_pids(value, other_pids, &other_count);
    else {
      fprintf(stderr, "unknown option %s\n", name);
      exit(2);
    }
  }
}

int main(int count, char **given) {
  read_options(count, given);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  server.sin_family = AF_INET;
  server.sin_port = htons(port);
  inet_pton(AF_INET, "127.0.0.1", &server.sin_addr);
  epoll_fd = epoll_create1(0);
  viewers = calloc(viewers_wanted + 1, sizeof *viewers);
  for (int i = 0; i < MAX_CONNS; i++) posters[i].fd = -1;
  prepare();

  double memory = memory_of(pids, pid_count), other_memory = memory_of(other_pids, other_count), cpu = cpu_of(pids, pid_count);
  uint64_t start = now();
  connect_all();
  double connect_s = (now() - start) / 1e9, replay_s = replay ? wait_replay(start) : 0;
  run_for(settle);
  int connected = open_now;
  double each = connected ? 1.0 / connected : 0;
  printf("{\"connected\":%d,\"refused\":%d,\"connect_s\":%.3f,\"connect_cpu_s\":%.3f,\"memory_kb\":%.3f,\"other_memory_kb\":%.3f",
         connected, refused, connect_s, cpu_of(pids, pid_count) - cpu, (memory_of(pids, pid_count) - memory) * each,
         (memory_of(other_pids, other_count) - other_memory) * each);
  if (replay) {
    int served = 0;
    for (int i = 0; i < viewers_wanted; i++) served += (int)viewers[i].got >= replay;
    printf(",\"replay_s\":%.3f,\"served\":%d", replay_s, served);
  }
  if (idle > 0) {
    double a = cpu_of(pids, pid_count), b = cpu_of(other_pids, other_count);
    run_for(idle);
    printf(",\"idle_cpu_s\":%.4f,\"idle_other_cpu_s\":%.4f", cpu_of(pids, pid_count) - a, cpu_of(other_pids, other_count) - b);
  }
  if (flood || rate > 0 || window_size) {
    for (int i = 0; i < 3; i++) {
      post(&posters[0], 0, now());
      wait_posters(5);
      run_for(0.1);
    }
    run_for(0.3);
    for (int i = 0; i < viewers_wanted; i++) viewers[i].last = viewers[i].got = 0;
    closed = 0;
    bytes = 0;
    start = now();
    double a = cpu_of(pids, pid_count), b = cpu_of(other_pids, other_count);
    measure(connected);
    a = cpu_of(pids, pid_count) - a;
    b = cpu_of(other_pids, other_count) - b;
    double took = ((connected ? last_delivery : now()) - start) / 1e9;
    long long lost = (long long)sequence * connected - (long long)deliveries;
    printf(",\"posts\":%u,\"answers\":%llu,\"errors\":%llu,\"deliveries\":%llu,\"lost\":%lld,\"doubled\":%llu,\"closed\":%d", sequence,
           (unsigned long long)answers, (unsigned long long)errors, (unsigned long long)deliveries, lost, (unsigned long long)doubled, closed);
    printf(",\"seconds\":%.3f,\"cpu_s\":%.4f,\"other_cpu_s\":%.4f,\"bytes_each\":%.1f,\"longest_gap_ms\":%.1f", took, a, b,
           deliveries ? (double)bytes / deliveries : 0, longest_gap / 1e6);
    printf(",\"latency_ms\":{\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f}", quantile_ms(&latency, .5), quantile_ms(&latency, .99), latency.max / 1e6);
    printf(",\"answer_ms\":{\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f}", quantile_ms(&answer_time, .5), quantile_ms(&answer_time, .99), answer_time.max / 1e6);
  }
  printf("}\n");
  return 0;
}
